{ a: error 'no' }
