{ from: 'b' }
