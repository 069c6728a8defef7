FROM evil/base:1
