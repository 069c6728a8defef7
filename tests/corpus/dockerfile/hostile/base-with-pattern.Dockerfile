ARG A=node:20-alpine
FROM ${A%:*}
