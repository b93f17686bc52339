module orochi.test/client

go 1.19
