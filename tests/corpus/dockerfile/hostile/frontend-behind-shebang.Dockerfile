#!/usr/bin/env x
#syntax=evil/frontend
FROM node:20-alpine
