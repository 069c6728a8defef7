FROM ev\il/x:1
