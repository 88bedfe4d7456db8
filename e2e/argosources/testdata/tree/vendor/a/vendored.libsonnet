{ from: 'a' }
