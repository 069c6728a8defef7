# escape=`
# check=skip=all
# syntax = evil/frontend
FROM node:20-alpine
