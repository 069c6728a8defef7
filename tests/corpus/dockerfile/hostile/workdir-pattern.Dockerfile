FROM node:20-alpine
ENV P=xproc
WORKDIR /${P#x}/self
