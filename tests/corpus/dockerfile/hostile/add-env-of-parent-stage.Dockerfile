FROM node:20-alpine AS a
ENV U=http://x/
FROM a
ADD ${U:-file} /x
