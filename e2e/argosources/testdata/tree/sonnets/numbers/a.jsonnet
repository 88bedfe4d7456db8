{
  apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'numbers' },
  spec: { large: 10000000, larger: 12345678901, fraction: 1.5, tenth: 0.1, third: 1 / 3, negative: -7, zero: -0, exponent: 1e21, small: 1e-7, unicode: '\u00e9 <&> \u2028' },
}
