ARG I='evil/x:1'
FROM "$I"
