# syntax=evil/frontend:1
FROM node:20-alpine
