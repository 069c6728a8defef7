FROM node:20-alpine
ENV U=http://x/
ADD $U /x
