FROM php:8.3-cli
RUN docker-php-ext-install sockets
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
WORKDIR /app
COPY . .
RUN composer install
CMD [ "php", "./worker.php" ]
