import socket

connection = socket.create_connection(("echo", 7007))
for line in connection.makefile("r"):
    word, _, name = line.strip().partition(" ")
    if word == "do":
        connection.sendall(f"did {name}\n".encode())
