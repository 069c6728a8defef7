from node:20-alpine as base
workdir /app
copy . .
run npm ci
cmd ["node", "a.js"]
