FROM node:20-alpine
ENV K=U U=file
ENV $K=http://x/
ADD $U /x
