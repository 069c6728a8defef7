FROM node:20-alpine AS a
ENV U=file
ONBUILD ADD ${U:-file} /x
FROM a
