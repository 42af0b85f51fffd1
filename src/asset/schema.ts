import * as z from 'zod'
import {ID_PATTERN} from './asset.ts'

/*
 * The manifest's one definition: it validates, it types, and the JSON Schema for editors is generated from it, so the
 * descriptions are written for people who edit a manifest.
 */

const parameterValue = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.union([z.string(), z.number(), z.boolean()])),
])

const name = z.string().regex(ID_PATTERN, 'letters, digits, "_" and "-", beginning with a letter or digit, at most 80')

const lora = z.union([
  z.string().min(1).meta({description: 'A LoRA by its name on the server, with weight 1.'}),
  z.strictObject({
    name: z.string().min(1).meta({description: 'The LoRA by its name on the server.'}),
    weight: z.number().min(-10).max(10).default(1).meta({description: 'How strongly it acts; 1 is as trained.'}),
  }),
])

const settings = {
  model: z
    .string()
    .min(1)
    .meta({
      description: 'The model by its name on the server, with its folder; the ending may be left out.',
      examples: ['sdxl/base-1.0'],
    }),
  prompt_prefix: z
    .string()
    .meta({description: 'Put before every prompt below, with a comma. The nearest one wins; "" switches it off.'}),
  prompt_suffix: z
    .string()
    .meta({description: 'Put after every prompt below, with a comma. The nearest one wins; "" switches it off.'}),
  negative_prompt: z.string().meta({description: 'What should not be in the picture. The nearest one wins.'}),
  width: z.int().min(64).max(16384).meta({description: "Width in pixels. Default: the server's."}),
  height: z.int().min(64).max(16384).meta({description: "Height in pixels. Default: the server's."}),
  steps: z.int().min(0).max(500).meta({description: "Sampling steps. Default: the server's."}),
  cfg_scale: z.number().min(0).max(100).meta({description: "How closely to follow the prompt. Default: the server's."}),
  sampler: z
    .string()
    .min(1)
    .meta({description: 'Sampler by its name on the server.', examples: ['euler_ancestral']}),
  scheduler: z
    .string()
    .min(1)
    .meta({description: 'Scheduler by its name on the server.', examples: ['karras']}),
  loras: z.array(lora).meta({description: 'LoRAs to apply. The nearest list wins as a whole; [] removes them.'}),
  seed: z
    .union([
      z
        .int()
        .min(0)
        .max(2 ** 53 - 10_001),
      z.literal('random'),
    ])
    .meta({description: 'A number, or "random" for a new one each run. Default: derived from the asset\'s id.'}),
  count: z.int().min(1).max(10_000).meta({
    description: 'How many pictures: more than one makes ID-1, ID-2 and so on, with seeds counting up. Default: 1.',
  }),
  path: z
    .string()
    .min(1)
    .meta({
      description:
        'Where the picture goes inside the output directory. Placeholders: {id}, {asset} (the id without its number), {group}, {index}, {seed}, {model}, {ext}. An ending (.png, .jpg, .webp) asks for that format. Default: {group}/{id}.{ext}',
      examples: ['{group}/{id}.{ext}', 'icons/{id}.png'],
    }),
  params: z.record(z.string().min(1), z.union([parameterValue, z.null()])).meta({
    description: "Any other parameter by the server's own name. Inherited key by key; null removes an inherited one.",
  }),
}

const optional = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, value.optional()])) as {
  [Key in keyof typeof settings]: z.ZodOptional<(typeof settings)[Key]>
}

/** The settings of pictures, wherever they are made: in a manifest, or on the command line. */
export const settingsSchema = z.strictObject(optional)
export type Settings = z.output<typeof settingsSchema>

const assetSchema = z
  .strictObject({
    id: name.meta({
      description:
        'Unique in the manifest, ignoring case. Names the picture, its session and, if no seed is set, its seed.',
    }),
    prompt: z.string().meta({description: 'What the picture shows.'}),
    ...optional,
  })
  .meta({description: 'One declared picture.'})
export type AssetDeclaration = z.output<typeof assetSchema>

const groupFields = {
  name: name.meta({description: 'Names the folder that {group} stands for; nested groups are joined by "/".'}),
  ...optional,
  assets: z.array(assetSchema).nullish().meta({description: 'The pictures of this group.'}),
}

export interface GroupDeclaration extends Settings {
  readonly name: string
  readonly assets?: readonly AssetDeclaration[] | null | undefined
  readonly groups?: readonly GroupDeclaration[] | null | undefined
}

const groupSchema: z.ZodType<GroupDeclaration, unknown> = z
  .strictObject({
    ...groupFields,
    get groups() {
      return z.array(groupSchema).nullish().meta({description: 'Groups inside this one; they inherit its settings.'})
    },
  })
  .meta({id: 'group', description: 'Pictures that share settings; what is set here overrides what is set further out.'})

export const manifestSchema = z
  .strictObject({
    $schema: z.string().optional().meta({description: 'Address of this schema, for editors of JSON manifests.'}),
    version: z.literal(1).optional().meta({description: 'Version of the manifest format.'}),
    output: z
      .string()
      .min(1)
      .optional()
      .meta({description: 'Output directory, relative to this file. Default: assets'}),
    defaults: settingsSchema.nullish().meta({description: 'Settings of all pictures that set nothing else.'}),
    assets: z.array(assetSchema).nullish().meta({description: 'Pictures outside of any group.'}),
    groups: z.array(groupSchema).nullish().meta({description: 'Pictures that share settings.'}),
  })
  .meta({title: 'ag manifest', description: 'The pictures that a repository needs.'})
export type ManifestDeclaration = z.output<typeof manifestSchema>
