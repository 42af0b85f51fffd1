import {describe, expect, test} from '@jest/globals'
import {UsageError} from '../../../src/errors.ts'
import {guardedLookup, parseServerAddress, refuseCredentialsInTheClear} from '../../../src/server/swarmui/address.ts'

describe('a server address', () => {
  test.each([
    ['http://localhost:7801', 'http://localhost:7801'],
    ['http://localhost:7801/', 'http://localhost:7801'],
    ['localhost:7801', 'http://localhost:7801'],
    ['gpu-box', 'http://gpu-box'],
    ['[::1]:7801', 'http://[::1]:7801'],
    ['ws://gpu-box:7801', 'http://gpu-box:7801'],
    ['wss://gpu.example.com', 'https://gpu.example.com'],
    ['https://example.com/swarm', 'https://example.com/swarm'],
    ['https://example.com/swarm/?x=1#y', 'https://example.com/swarm'],
    ['  http://localhost:7801  ', 'http://localhost:7801'],
  ])('%s is read as %s', (text, display) => {
    expect(parseServerAddress(text).display).toBe(display)
  })

  test.each(['', 'http://', 'ftp://host', 'file:///etc/passwd', 'http://host:99999'])('"%s" is refused', (text) => {
    expect(() => parseServerAddress(text)).toThrow(UsageError)
  })

  test.each([
    'http://169.254.169.254',
    'http://169.254.1.2:7801',
    'http://2852039166',
    'http://[fe80::1]',
    'http://[::ffff:169.254.169.254]',
    'http://[fd00:ec2::254]',
    'http://metadata.google.internal',
    'http://100.100.100.200',
  ])('%s is refused as a metadata or link-local address', (text) => {
    expect(() => parseServerAddress(text)).toThrow(/link-local or metadata/)
  })

  test('its user and password become a Basic authorization and leave the address', () => {
    const address = parseServerAddress('https://me:p%40ss@example.com')
    expect(address.display).toBe('https://example.com')
    expect(address.basicAuthorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  test.each([
    ['http://localhost:7801', true],
    ['http://192.168.1.5', true],
    ['http://10.0.0.7', true],
    ['http://100.101.102.103', true],
    ['http://[::1]', true],
    ['http://gpu-box', true],
    ['http://gpu.local', true],
    ['https://gpu.example.com', true],
    ['http://gpu.example.com', false],
    ['http://8.8.8.8', false],
  ])('credentials for %s may be sent: %s', (text, allowed) => {
    const send = () => refuseCredentialsInTheClear(parseServerAddress(text), false)
    if (allowed) expect(send).not.toThrow()
    else expect(send).toThrow(/unencrypted to a public host/)
    expect(() => refuseCredentialsInTheClear(parseServerAddress(text), true)).not.toThrow()
  })

  test('a name that resolves to a metadata address is not connected to', async () => {
    const failure = await new Promise((resolve) => {
      guardedLookup('169.254.169.254', {all: true}, (error) => resolve(error))
    })
    expect(failure).toMatchObject({code: 'EADDRREFUSED'})
  })
})
