FROM node:20-alpine
ADD --checksum=sha256:00 https://example.org/x /x
