import type { TrustProxy } from '../../src/http/index.ts'

/** Requests that say where they come from, and where they come from. */
export interface AddressCase {
  readonly about: string
  readonly trustProxy: TrustProxy
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** The address that counts; the socket's is 127.0.0.1. */
  readonly expected: string
}

const socket = '127.0.0.1'

/** One setting of `trustProxy`, and what is sent to it. */
function under(
  trustProxy: TrustProxy,
  rows: readonly (readonly [forwardedFor: string, expected: string])[],
  header = 'x-forwarded-for',
): AddressCase[] {
  return rows.map(([value, expected]) => ({
    about: `${JSON.stringify(trustProxy)} ${header}: ${value.slice(0, 70)}`,
    trustProxy,
    headers: { [header]: value },
    expected,
  }))
}

const nobody = under(false, [
  ['203.0.113.7', socket],
  ['127.0.0.1', socket],
  ['::1', socket],
  ['unknown', socket],
  ['', socket],
  ['203.0.113.7, 10.0.0.1', socket],
])

const oneHop = under(1, [
  // What the proxy has added stands at the right; all before it is the client's.
  ['203.0.113.7', '203.0.113.7'],
  ['1.2.3.4, 203.0.113.7', '203.0.113.7'],
  ['127.0.0.1, 203.0.113.7', '203.0.113.7'],
  ['10.0.0.1, 10.0.0.2, 203.0.113.7', '203.0.113.7'],
  ['1.2.3.4,203.0.113.7', '203.0.113.7'],
  ['1.2.3.4 ,\t203.0.113.7  ', '203.0.113.7'],
  ['garbage, 203.0.113.7', '203.0.113.7'],
  [',,,203.0.113.7', '203.0.113.7'],
  [`${'1.1.1.1, '.repeat(400)}203.0.113.7`, '203.0.113.7'],
  [`${','.repeat(12_000)}203.0.113.7`, '203.0.113.7'],
  [`${'x'.repeat(6_000)}, 203.0.113.7`, '203.0.113.7'],
  // Ports, brackets, zones and other ways to write the same address.
  ['203.0.113.7:4711', '203.0.113.7'],
  ['203.0.113.7:0', '203.0.113.7'],
  ['203.0.113.7:65535', '203.0.113.7'],
  ['[2001:db8::1]:4711', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%25eth0]:80', 'fe80::1'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:203.0.113.7', '203.0.113.7'],
  ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
  ['::', '::'],
  ['::1', '::1'],
  // What is no address ends the walk at the last one that is believed.
  ['unknown', socket],
  ['_hidden', socket],
  ['', socket],
  [',', socket],
  ['203.0.113.7,', socket],
  ['203.0.113.7, ', socket],
  ['203.0.113.7, unknown', socket],
  ['localhost', socket],
  ['example.com', socket],
  ['203.0.113', socket],
  ['203.0.113.7.9', socket],
  ['203.0.113.256', socket],
  ['0203.0.113.7', socket],
  ['203.0.0113.7', socket],
  ['0xcb.0.113.7', socket],
  ['0xcb007107', socket],
  ['3405803783', socket],
  ['203.0.113.7/24', socket],
  ['203.0.113.7:', socket],
  ['203.0.113.7:http', socket],
  ['203.0.113.7:123456', socket],
  ['203.0.113.7:80:80', socket],
  [':80', socket],
  ['2001:db8::1::2', socket],
  ['2001:db8:::1', socket],
  ['2001:db8::12345', socket],
  ['2001:db8::g', socket],
  ['1:2:3:4:5:6:7:8:9', socket],
  ['::ffff:203.0.113.07', socket],
  ['::ffff:999.0.113.7', socket],
  ['[203.0.113.7]', socket],
  ['[2001:db8::1', socket],
  ['2001:db8::1]', socket],
  ['[2001:db8::1]:', socket],
  ['[]', socket],
  ['"203.0.113.7"', socket],
  ["'203.0.113.7'", socket],
  ['for=203.0.113.7', socket],
  ['203.0.113.7 1.2.3.4', socket],
  ['203.0.113.7;1.2.3.4', socket],
  ['-1.2.3.4', socket],
  ['1.2.3.-4', socket],
  ['1e2.2.3.4', socket],
  ['..', socket],
  ['1.2.3.4.', socket],
])

const moreHops = [
  ...under(2, [
    ['203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['1.2.3.4, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['9.9.9.9, 1.2.3.4, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    // A chain that is too short: somebody has come in past a proxy.
    ['203.0.113.7', '203.0.113.7'],
    ['garbage, 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, garbage', socket],
  ]),
  ...under(32, [
    [Array.from({ length: 32 }, (_, at) => `10.0.0.${at}`).join(', '), '10.0.0.0'],
    [Array.from({ length: 40 }, (_, at) => `10.0.0.${at}`).join(', '), '10.0.0.8'],
  ]),
]

const byNetworks = [
  ...under(
    ['loopback', '10.0.0.0/8', 'fd00::/8'],
    [
      ['203.0.113.7', '203.0.113.7'],
      ['203.0.113.7, 10.1.2.3', '203.0.113.7'],
      ['203.0.113.7, 10.1.2.3, 10.9.9.9', '203.0.113.7'],
      ['203.0.113.7, fd12::1', '203.0.113.7'],
      ['203.0.113.7, ::ffff:10.1.2.3', '203.0.113.7'],
      ['203.0.113.7, [fd12::1]:80', '203.0.113.7'],
      // Who is not trusted may name whom he likes.
      ['10.1.2.3, 203.0.113.7', '203.0.113.7'],
      ['127.0.0.1, 203.0.113.7, 10.1.2.3', '203.0.113.7'],
      ['1.2.3.4, 11.0.0.1', '11.0.0.1'],
      ['1.2.3.4, fc00::1', 'fc00::1'],
      // All are proxies: the request was made by the outermost of them.
      ['10.1.2.3', '10.1.2.3'],
      ['10.1.2.3, 10.1.2.4', '10.1.2.3'],
      ['unknown, 10.1.2.4', '10.1.2.4'],
      ['203.0.113.7, unknown, 10.1.2.4', '10.1.2.4'],
    ],
  ),
  ...under(
    ['192.0.2.0/24'],
    [
      // The socket itself is none of them.
      ['203.0.113.7', socket],
      ['203.0.113.7, 192.0.2.1', socket],
    ],
  ),
  ...under(['127.0.0.1'], [['1.2.3.4, 203.0.113.7', '203.0.113.7']]),
  ...under(['::ffff:127.0.0.0/104'], [['1.2.3.4, 203.0.113.7', '203.0.113.7']]),
  ...under(
    ['127.0.0.1/32', 'uniquelocal', 'linklocal'],
    [
      ['203.0.113.7, 192.168.1.1, 172.31.0.1, 169.254.1.1', '203.0.113.7'],
      ['203.0.113.7, 172.32.0.1', '172.32.0.1'],
    ],
  ),
]

const standard = [
  ...under(
    { by: 1, header: 'forwarded' },
    [
      ['for=203.0.113.7', '203.0.113.7'],
      ['For=203.0.113.7;proto=https;by=10.0.0.1', '203.0.113.7'],
      ['proto=https; FOR=203.0.113.7', '203.0.113.7'],
      ['for="203.0.113.7:4711"', '203.0.113.7'],
      ['for="[2001:db8::1]:4711"', '2001:db8::1'],
      ['for="[2001:db8::1]"', '2001:db8::1'],
      ['for=1.2.3.4, for=203.0.113.7', '203.0.113.7'],
      ['for=1.2.3.4,for=203.0.113.7;host=a', '203.0.113.7'],
      ['for="1.2.3.4, for=9.9.9.9", for=203.0.113.7', '203.0.113.7'],
      [String.raw`for="\"1.2.3.4", for=203.0.113.7`, '203.0.113.7'],
      ['for=unknown', socket],
      ['for=_hidden', socket],
      ['for="_hidden:80"', socket],
      ['for=203.0.113.7, proto=https', socket],
      ['for=203.0.113.7, ', socket],
      ['for=', socket],
      ['for=""', socket],
      ['for="203.0.113.7', socket],
      ['by=203.0.113.7', socket],
      ['host="a;for=203.0.113.7"', socket],
      ['203.0.113.7', socket],
      ['for==203.0.113.7', socket],
      // A port, too, may be made up.
      ['for="203.0.113.7:_a1"', '203.0.113.7'],
      ['for="[2001:db8::1]:_a.b-c"', '2001:db8::1'],
      ['for="203.0.113.7:_"', socket],
      ['for=203.0.113.7;', '203.0.113.7'],
      ['for=203.0.113.7;for=1.2.3.4', socket],
      ['for=203.0.113.7;FOR="1.2.3.4"', socket],
      // What a client leaves open does not reach into what a proxy has put behind it.
      ['for="1.2.3.4, for=203.0.113.7', '203.0.113.7'],
      ['", for=203.0.113.7', '203.0.113.7'],
      [String.raw`for="\, for=203.0.113.7`, '203.0.113.7'],
      ['x=", for="[2001:db8::1]:80"', '2001:db8::1'],
      ['x=", for="203.0.113.7";host="evil, for=1.2.3.4;a="', '203.0.113.7'],
      [String.raw`x=", for=203.0.113.7;host="\", for=1.2.3.4;a=\""`, '203.0.113.7'],
      [String.raw`x=", for=203.0.113.7;host="a\\"`, '203.0.113.7'],
      [`${'for="1.2.3.4", '.repeat(400)}for=203.0.113.7`, '203.0.113.7'],
      [`${'"'.repeat(6_001)}, for=203.0.113.7`, '203.0.113.7'],
    ],
    'forwarded',
  ),
  ...under(
    { by: 2, header: 'forwarded' },
    [
      ['for=", for=203.0.113.7, for="10.0.0.2:80"', '203.0.113.7'],
      ['for=1.2.3.4;x=", for="[2001:db8::1]", for=10.0.0.2', '2001:db8::1'],
      ['for=203.0.113.7, for=unknown', socket],
      ['for=_hidden, for=10.0.0.2', '10.0.0.2'],
    ],
    'forwarded',
  ),
  ...under(
    { by: ['loopback', '10.0.0.0/8'], header: 'forwarded' },
    [
      ['for=203.0.113.7, for="10.0.0.2:80"', '203.0.113.7'],
      ['for=1.2.3.4, for=", for=203.0.113.7, for="10.0.0.2:80"', '203.0.113.7'],
    ],
    'forwarded',
  ),
]

const otherHeaders: AddressCase[] = [
  // The header that the proxies do not write is the client's.
  ['forwarded', 1, { forwarded: 'for=1.2.3.4', 'x-forwarded-for': '203.0.113.7' }, '203.0.113.7'],
  ['forwarded alone', 1, { forwarded: 'for=1.2.3.4' }, socket],
  [
    'x-forwarded-for',
    { by: 1, header: 'forwarded' } as const,
    { forwarded: 'for=203.0.113.7', 'x-forwarded-for': '1.2.3.4' },
    '203.0.113.7',
  ],
  [
    'x-forwarded-for alone',
    { by: 1, header: 'forwarded' } as const,
    { 'x-forwarded-for': '1.2.3.4' },
    socket,
  ],
  ['x-real-ip', 1, { 'x-real-ip': '1.2.3.4' }, socket],
  ['x-client-ip', 1, { 'x-client-ip': '1.2.3.4' }, socket],
  ['cf-connecting-ip', 1, { 'cf-connecting-ip': '1.2.3.4' }, socket],
  ['true-client-ip', 1, { 'true-client-ip': '1.2.3.4' }, socket],
  ['several lines', 1, { 'x-forwarded-for': ['1.2.3.4', '203.0.113.7'] }, '203.0.113.7'],
  ['several lines, two hops', 2, { 'x-forwarded-for': ['203.0.113.7', '10.0.0.1'] }, '203.0.113.7'],
].map(([about, trustProxy, headers, expected]) => ({
  about: `${JSON.stringify(trustProxy)} beside ${String(about)}`,
  trustProxy: trustProxy as TrustProxy,
  headers: headers as AddressCase['headers'],
  expected: String(expected),
}))

export const addressCases: readonly AddressCase[] = [
  ...nobody,
  ...oneHop,
  ...moreHops,
  ...byNetworks,
  ...standard,
  ...otherHeaders,
]
