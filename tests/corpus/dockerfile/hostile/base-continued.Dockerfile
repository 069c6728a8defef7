FR\
OM evil/x:1
