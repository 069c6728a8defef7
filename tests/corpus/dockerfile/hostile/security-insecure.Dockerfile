FROM node:20-alpine
RUN --security=insecure mount /dev/sda1 /mnt
