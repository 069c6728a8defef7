CREATE TABLE users (
  id int PRIMARY KEY,
  name text,
  email text
);

INSERT INTO users (id, name, email) VALUES
  (1, 'Ana García', 'ana@example.com'),
  (2, 'Luis Fernández', 'luis@example.com'),
  (3, 'Zoë O''Neill', 'zoe@example.com');
