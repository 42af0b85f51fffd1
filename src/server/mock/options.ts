import * as z from 'zod'

/** What the mock has when it is not told otherwise. */
export const MOCK_MODELS = ['mock/sdxl-base', 'mock/flux-dev', 'mock/pixel-art', 'mock/watercolor'] as const
export const MOCK_LORAS = ['mock/ink', 'mock/soft-light'] as const

const ms = z.number().min(0)

const backend = z.strictObject({
  type: z
    .enum(['comfyui_api', 'auto_webui_api', 'simpleremotellm'])
    .default('comfyui_api')
    .describe(
      'auto_webui_api cannot be interrupted and tells no progress (recording 33); simpleremotellm makes no pictures.',
    ),
  status: z
    .enum(['running', 'idle', 'loading', 'waiting', 'errored', 'disabled'])
    .default('running')
    .describe('running means up, not busy; idle means unreachable.'),
  title: z.string().default('mock'),
  model: z.string().nullable().default(null).describe('The model it has loaded.'),
  allow_idle: z.boolean().default(false),
  max_usages: z.int().min(1).default(2).describe('How much it accepts at once; one of it computes at a time.'),
  gone: z
    .boolean()
    .default(false)
    .describe('Its process is dead, which a backend without allow_idle does not notice: it stays running.'),
})

const user = z.strictObject({
  name: z.string().min(3),
  role: z.enum(['owner', 'user']).default('user'),
  token: z.string().optional().describe('The value of the swarm_token cookie.'),
  password_hash: z.string().optional().describe('What Login must send as the password, as the page hashes it.'),
})

const when = z.strictObject({
  route: z.string().optional().describe('An API route such as GetGlobalStatus, or View. Without it: generations.'),
  prompt: z.string().optional().describe('Text that the prompt of a generation contains.'),
  nth: z.int().min(1).optional().describe('Only from this match on, counted from 1.'),
})

const fault = z.strictObject({
  when: when.default({}),
  times: z.int().min(1).optional().describe('How many matches it strikes; without it all of them.'),
  do: z
    .strictObject({
      error: z.string().describe('A generation fails with this text.'),
      refuse: z.string().describe('The backend refuses a generation with this text, before any progress.'),
      at_step: z.int().min(0).describe('After how many steps error, drop or restart strike. Default: half.'),
      empty: z.boolean().describe('A generation ends in good order without a picture or an error.'),
      drop: z
        .enum(['before', 'running', 'reset'])
        .describe(
          'The connection breaks: before the request is taken, while it runs (the work goes on), or at once for a route.',
        ),
      restart: z.boolean().describe('The server is restarted in the middle of a generation.'),
      step_ms: ms.describe('How long a step takes.'),
      status: z
        .int()
        .min(100)
        .max(599)
        .describe(
          'A route answers with this HTTP status and no JSON; a generation over HTTP does while its work goes on, as behind a proxy that waits no longer.',
        ),
      location: z.string().describe('A route redirects there.'),
      html: z.string().describe('A route answers with this page and status 200, or the one given.'),
      json: z.unknown().describe('A route answers with this instead.'),
      hang: z.boolean().describe('A route, or a generation, never answers.'),
      truncate: z.int().min(0).describe('View answers with only so many bytes of a picture.'),
      on_the_way: z.boolean().describe('The workflow saves a step on the way, before the picture and under its name.'),
      further: z.boolean().describe('The workflow has a second output.'),
    })
    .partial(),
})
export type Fault = z.output<typeof fault>

/** What may be changed while the mock runs: the body of POST /Mock/Control. */
const changeable = {
  step_ms: ms.describe('How long a step takes.'),
  model_load_ms: ms.describe('How long loading a model takes.'),
  steps: z.int().min(1).describe('Steps of a request that names none.'),
  models: z.array(z.string().min(1)).describe('Models, with their folders, without endings.'),
  loras: z.array(z.string().min(1)).describe('LoRAs.'),
  backends: z.array(backend).describe('Backends; their ids count from 0.'),
  users: z.array(user).describe('Users beside the owner "local".'),
  faults: z.array(fault).describe('What goes wrong; the first that matches strikes.'),
  foreign: z
    .strictObject({waiting_gens: z.int(), loading_models: z.int(), waiting_backends: z.int(), live_gens: z.int()})
    .partial()
    .describe('Work of other users, added to the global counters.'),
  comfy_queue: z
    .int()
    .min(0)
    .describe("Work in the Comfy queue that SwarmUI's counters do not know of (recording 35)."),
  image_format: z.enum(['PNG', 'JPG']).describe('The format of pictures that ask for none: a setting of their user.'),
  down: z.boolean().describe('Break all connections, as if the server were gone; only the control route answers.'),
}

export const controlSchema = z.strictObject({
  ...(Object.fromEntries(Object.entries(changeable).map(([key, value]) => [key, value.optional()])) as {
    [Key in keyof typeof changeable]: z.ZodOptional<(typeof changeable)[Key]>
  }),
  restart: z
    .boolean()
    .optional()
    .describe('Restart the server: running and queued work is lost, sessions and pictures stay.'),
})
export type MockControl = z.input<typeof controlSchema>

export const optionsSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(0).describe('0 takes any free port.'),
  version: z
    .enum(['0.9.8.2', '0.9.7'])
    .default('0.9.8.2')
    .describe('0.9.7 answers errors with redirects and has no GetGlobalStatus.'),
  authorization: z.string().optional().describe('Network.RequiredAuthorization: the exact header every request needs.'),
  accounts: z.boolean().default(false).describe('Only users with a token get in.'),
  pictures: z.enum(['scenes', 'plain']).default('scenes').describe('plain draws one colour, for benchmarks.'),
  grace_ms: ms.default(2000).describe('From the end of a run to the close of its socket.'),
  first_message_ms: ms.default(60_000).describe('How long a socket may stay silent at first.'),
  keep_alive_ms: ms.default(30_000),
  no_backend_ms: ms.default(1000).describe('From a request to "No backends available!".'),
  claim_ms: ms.default(0).describe('From a request to the moment a backend takes it.'),
  interrupt_ms: ms.default(5).describe('From InterruptAll to its effect: the counters fall late (recordings 06, 07).'),
  backend_recheck_ms: ms.default(5000).describe('How often a backend with allow_idle is looked after.'),
  step_ms: changeable.step_ms.default(60),
  model_load_ms: changeable.model_load_ms.default(1000),
  steps: changeable.steps.default(20),
  models: changeable.models.default([...MOCK_MODELS]),
  loras: changeable.loras.default([...MOCK_LORAS]),
  backends: changeable.backends.default([backend.parse({})]),
  users: changeable.users.default([]),
  faults: changeable.faults.default([]),
  foreign: changeable.foreign.default({}),
  comfy_queue: changeable.comfy_queue.default(0),
  image_format: changeable.image_format.default('PNG'),
  down: changeable.down.default(false),
})

/** How a mock server is set up; unknown keys are errors. */
export type MockOptions = z.input<typeof optionsSchema>
export type MockSettings = z.output<typeof optionsSchema>
export type BackendSettings = z.output<typeof backend>
export type UserSettings = z.output<typeof user>
