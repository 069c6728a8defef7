FROM node:20-alpine
ENV U=http://x/
ARG U=file
ADD $U /x
