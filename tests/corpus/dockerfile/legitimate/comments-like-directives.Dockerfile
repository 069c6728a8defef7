# PORT = 80
# PORT = 81
# escape = none
FROM node:20-alpine
CMD node .
