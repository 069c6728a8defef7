FROM node:20-alpine
ARG A B=2 C
ARG D=1 E
ARG F="x y" G='z'
RUN printf "[1m" && echo $A$B
CMD ["node"]
