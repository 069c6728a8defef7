FROM node:20-alpine
ONBUILD ADD http://127.0.0.1/ /x
