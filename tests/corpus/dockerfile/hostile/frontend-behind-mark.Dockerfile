#syntax=evil/frontend
FROM node:20-alpine
