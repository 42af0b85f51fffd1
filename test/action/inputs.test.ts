import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from '@jest/globals'
import {parse} from 'yaml'
import {COMMANDS, ENVIRONMENT, INPUT_NAMES, NEEDS, presetOf} from '../../src/action/input-schemas.ts'
import {readInputs} from '../../src/action/inputs.ts'
import {reproduce} from '../../src/action/reproduce.ts'
import {maskSecrets} from '../../src/action/secrets.ts'

const root = new URL('../../', import.meta.url)
const action: {inputs: Record<string, {description: string; default?: unknown}>} = parse(
  readFileSync(new URL('action.yml', root), 'utf8'),
)
const manifest: {commands: Record<string, {flags: Record<string, Flag>}>} = JSON.parse(
  readFileSync(fileURLToPath(new URL('oclif.manifest.json', root)), 'utf8'),
)

interface Flag {
  readonly type: string
  readonly default?: unknown
  readonly env?: string
  readonly dependsOn?: readonly string[]
  readonly options?: readonly string[]
}

function inputs(given: Record<string, string>, env: Record<string, string> = {}) {
  const texts = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  return readInputs({...Object.fromEntries(texts), ...env})
}

function presetIn(schema: (typeof COMMANDS)[keyof typeof COMMANDS], name: string): string | undefined {
  const input = new Map(Object.entries(schema.shape)).get(name)
  return input && presetOf(input)
}

/** About how something is printed; the interval of status is that of --watch. */
const TERMINAL_ONLY = new Set(['json', 'quiet', 'events', 'format', 'watch'])
/** What is an argument on the command line, or is the action's own. */
const ARGUMENTS = {generate: ['manifest'], recover: ['manifest'], cancel: ['session']} as const

describe('inputs and flags', () => {
  test.each(Object.entries(COMMANDS))('%s takes the flags of its command, with their defaults', (command, schema) => {
    const ids = command === 'generate' ? ['generate', 'generate:image'] : [command]
    const flags = Object.assign({}, ...ids.map((id) => manifest.commands[id]?.flags)) as Record<string, Flag>
    const names = Object.keys(flags).filter(
      (name) => !TERMINAL_ONLY.has(name) && !(command === 'status' && name === 'interval'),
    )
    const own = ARGUMENTS[command as keyof typeof ARGUMENTS] ?? []
    expect(Object.keys(schema.shape).sort()).toEqual([...names, ...own].sort())
    for (const name of names) {
      const flag = flags[name] as Flag
      const preset = flag.type === 'boolean' ? 'false' : flag.default === undefined ? undefined : String(flag.default)
      expect([name, presetIn(schema, name)]).toEqual([name, preset])
      expect([name, ENVIRONMENT[name]]).toEqual([name, flag.env])
      expect([name, NEEDS[name] === undefined ? undefined : [NEEDS[name]]]).toEqual([name, flag.dependsOn])
    }
  })

  test('action.yml declares just these, and states the defaults that hold for all commands', () => {
    expect(Object.keys(action.inputs).sort()).toEqual([...INPUT_NAMES].sort())
    for (const [name, {default: stated}] of Object.entries(action.inputs)) {
      if (stated === undefined || name === 'command' || name === '_job-index') continue
      const presets = Object.values(COMMANDS).flatMap((schema) => {
        return name in schema.shape ? [presetIn(schema, name)] : []
      })
      for (const preset of presets) expect([name, preset]).toEqual([name, String(stated)])
    }
  })

  test('what action.yml states is what is taken when nothing is given', () => {
    const stated = Object.entries(action.inputs).map(([name, {default: preset}]) => [name, String(preset ?? '')])
    const withDefaults = inputs({...Object.fromEntries(stated), '_job-index': '0'})
    const {command, keep} = inputs({})
    expect(withDefaults).toMatchObject({command, keep})
    expect([...withDefaults.given]).toEqual([])
  })
})

describe('reading inputs', () => {
  test('a given input wins over the environment, that over the default', () => {
    const env = {AG_SERVER: 'http://env:1', AG_CONCURRENCY: '7'}
    expect(inputs({}).command.settings.server).toBe('http://localhost:7801')
    expect(inputs({}, env).command.settings).toMatchObject({server: 'http://env:1', concurrency: 7})
    expect(inputs({server: 'http://given:2'}, env).command.settings.server).toBe('http://given:2')
  })

  test('lists have a line each, and yes is true', () => {
    const {command} = inputs({command: 'recover', session: ' a \n\n b', apply: 'true', wait: 'True'})
    expect(command.settings).toMatchObject({session: ['a', 'b'], apply: true, wait: true})
  })

  test.each([
    [{command: 'genrate'}, /The input command is "genrate"/],
    [{concurrency: '0'}, /The input concurrency is "0", and has to be a whole number from 1 to 64/],
    [{concurrency: '2.5'}, /has to be a whole number/],
    [{'fail-fast': 'maybe'}, /The input fail-fast is "maybe", and has to be true or false/],
    [{transport: 'carrier-pigeon'}, /has to be one of websocket, http/],
    [{cache: 'sometimes'}, /has to be one of auto, read, write, off/],
    [{'retention-days': '-1'}, /has to be a whole number from 0/],
    [{'stable-for': '3s'}, /The input stable-for does nothing for the command generate/],
    [{command: 'wait-idle', manifest: 'x.yaml'}, /The input manifest does nothing for the command wait-idle/],
    [{command: 'recover', wait: 'true'}, /The input wait says nothing without apply/],
    [{'wait-timeout': '5m'}, /The input wait-timeout says nothing without wait-idle/],
    [{command: 'cancel', run: 'x', all: 'true'}, /exclude each other/],
    [{seed: '5'}, /The input seed is for a picture from a prompt/],
    [{steps: '30'}, /The input steps is for a picture from a prompt/],
    [{model: 'x'}, /The input model is for a picture from a prompt/],
    [{prompt: 'a fox', manifest: 'x.yaml'}, /The input manifest is for a manifest, and there is a prompt/],
    [{prompt: 'a fox', run: 'x'}, /The input run is for a manifest/],
    [{timeout: 'soon'}, /The input timeout is "soon", and has to be a duration/],
    [{command: 'status', 'upload-pictures': 'true'}, /The input upload-pictures does nothing for the command status/],
  ])('refuses %j', (given, message) => {
    expect(() => inputs(given as unknown as Record<string, string>)).toThrow(message)
  })

  test('tells of all that is wrong at once', () => {
    expect(() => inputs({concurrency: 'x', retries: 'y'})).toThrow(/concurrency.*\n.*retries/)
  })
})

describe('the command that does the same', () => {
  const open = {run: undefined, redactPrompts: false}

  test.each([
    [{server: 'mock'}, {run: 'r1', redactPrompts: false}, 'ag generate --server mock --run r1'],
    [
      {manifest: 'my art/ag.yaml', retries: '5', force: 'true', server: 'http://x:1'},
      open,
      "ag generate 'my art/ag.yaml' --server http://x:1 --retries 5 --force",
    ],
    [{token: 'secret-token', server: 'http://x:1'}, open, 'AG_TOKEN=... ag generate --server http://x:1'],
    [
      {prompt: "it's a fox", model: 'm', lora: 'a:1\nb:2', server: 'mock'},
      open,
      "ag generate image --server mock --prompt 'it'\\''s a fox' --model m --lora a:1 --lora b:2",
    ],
    [
      {prompt: 'hidden', server: 'mock'},
      {run: undefined, redactPrompts: true},
      'ag generate image --server mock --prompt ...',
    ],
    [
      {command: 'wait-idle', server: 'http://a:1 http://b:2', require: 'any'},
      open,
      'ag wait-idle --server http://a:1 --server http://b:2 --require any',
    ],
    [{command: 'cancel', session: 's1\ns2', server: 'mock'}, open, 'ag cancel s1 s2 --server mock'],
    [
      {command: 'recover', apply: 'true', session: 's1', server: 'mock'},
      open,
      'ag recover --server mock --apply --session s1',
    ],
    [{command: 'status'}, open, 'ag status --server http://localhost:7801'],
    [
      {force: 'True', overwrite: 'no', 'fail-fast': 'y', server: 'mock'},
      open,
      'ag generate --server mock --fail-fast --force',
    ],
  ])('of %j', (given, how, command) => {
    expect(reproduce(inputs(given as unknown as Record<string, string>), how)).toBe(command)
  })

  test('has what came from the environment, but for what a manifest takes no notice of', () => {
    const env = {AG_SERVER: 'http://x:1', AG_TOKEN: 'secret-token', AG_MODEL: 'm', AG_CONCURRENCY: '3'}
    expect(reproduce(inputs({}, env), open)).toBe('AG_TOKEN=... ag generate --server http://x:1 --concurrency 3')
    expect(reproduce(inputs({prompt: 'x'}, env), open)).toBe(
      'AG_TOKEN=... ag generate image --server http://x:1 --concurrency 3 --prompt x --model m',
    )
  })
})

test('the passwords of all servers are masked', () => {
  const told: string[] = []
  const write = process.stdout.write
  process.stdout.write = (chunk: string | Uint8Array) => told.push(String(chunk)) > 0
  try {
    maskSecrets(
      inputs({command: 'wait-idle', server: 'http://a:first-one@h1 http://b:second-one@h2', header: 'x-k=third-one'}),
    )
  } finally {
    process.stdout.write = write
  }
  for (const secret of ['first-one', 'second-one', 'third-one']) expect(told.join()).toContain(`::add-mask::${secret}`)
})

test('no input speaks of flags or of what only a terminal has', () => {
  for (const {description} of Object.values(action.inputs)) expect(description).not.toMatch(/--\w|COMMAND|this folder/)
})
