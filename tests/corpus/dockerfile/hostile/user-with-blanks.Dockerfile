FROM node:20-alpine
USER root root
