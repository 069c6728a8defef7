FROM node:20-alpine
ONBUILD FROM evil/x
