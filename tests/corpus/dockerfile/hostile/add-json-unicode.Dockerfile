FROM node:20-alpine
ADD ["\u0068ttp://127.0.0.1/", "/x"]
