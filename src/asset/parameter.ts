/** A value of a server parameter as it may stand in a manifest or on the command line. */
export type ParameterValue = string | number | boolean | readonly (string | number | boolean)[]

/**
 * SwarmUI's own rule for parameter names: lower case, letters only, so that `cfg_scale`, `CFG Scale` and `cfgscale` are one
 * parameter (recording 12).
 */
export function parameterId(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '')
}

/** Settings of the manifest and the parameter each one is sent as. */
export const SETTING_PARAMETERS = {
  model: 'model',
  negative_prompt: 'negativeprompt',
  width: 'width',
  height: 'height',
  steps: 'steps',
  cfg_scale: 'cfgscale',
  sampler: 'sampler',
  scheduler: 'scheduler',
} as const

const BY_SETTING = 'is set with the key'

/** Parameters that may not stand under `params`, and what to do instead. */
const RESERVED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries({...SETTING_PARAMETERS, prompt: 'prompt', seed: 'seed', loras: 'loras', loraweights: 'loras'}).map(
      ([key, value]) => (key === 'loraweights' ? [key, `${BY_SETTING} "loras"`] : [value, `${BY_SETTING} "${key}"`]),
    ),
  ),
  images: `${BY_SETTING} "count": each picture is a request of its own`,
  batchsize: `${BY_SETTING} "count": each picture is a request of its own`,
  sessionid: 'is a credential that ag takes care of',
  donotsave: 'would make a picture that cannot be found again when the connection breaks',
  overrideoutpathformat: 'is set by ag, so that a lost picture can be found again',
  extrametadata: 'is set by ag, so that a lost picture can be found again',
  continueaftererrors: 'would hide why a picture failed',
  nopreviews: 'is set by ag: previews are not shown',
  outputintermediateimages: 'would have the server keep steps on the way under the name of the picture',
}

/** Parameters that a history may not bring: they are what `generate` decides. */
const PROTOCOL = new Set([
  'images',
  'batchsize',
  'sessionid',
  'donotsave',
  'overrideoutpathformat',
  'extrametadata',
  'continueaftererrors',
  'nopreviews',
  'outputintermediateimages',
])

/** The parameters of untrusted JSON that may be sent, by the server's own names; whatever else is in it is left out. */
export function checkedParameters(json: Readonly<Record<string, unknown>>): Record<string, ParameterValue> {
  const entries = Object.entries(json).filter(([name, value]) => {
    const id = parameterId(name)
    return id !== '' && id === name && !PROTOCOL.has(id) && isParameterValue(value)
  })
  return Object.fromEntries(entries) as Record<string, ParameterValue>
}

function isParameterValue(value: unknown): value is ParameterValue {
  if (Array.isArray(value)) return value.every((part) => !Array.isArray(part) && isParameterValue(part))
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  )
}

/** Why a parameter may not stand under `params`; `undefined` when it may. */
export function reservedParameter(name: string): string | undefined {
  return RESERVED[parameterId(name)]
}
