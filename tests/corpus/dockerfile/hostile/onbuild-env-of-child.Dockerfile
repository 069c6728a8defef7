FROM node:20-alpine AS a
ONBUILD ENV U=http://x/
FROM a
ADD ${U:-file} /x
