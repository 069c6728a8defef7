FROM node:20-alpine
COPY a/../../etc/passwd /x
