import {createHash} from 'node:crypto'

/** A model's name as parameters carry it: without its ending. */
export function bareName(name: string): string {
  return name.replace(/\.safetensors$/i, '')
}

/** A model's file. No recording has another ending than `.safetensors`; SwarmUI takes these, and leaves them in its names. */
export function fileName(name: string): string {
  return /\.(sft|ckpt|pth?|gguf|engine)$/i.test(name) ? name : `${name}.safetensors`
}

/**
 * The model that a name stands for: exactly, else the shortest that contains it, ignoring case (recording 12: `sd` and
 * `SD15` both found `stub/sd15`).
 */
export function findModel(models: readonly string[], wanted: string): string | undefined {
  const text = bareName(wanted).toLowerCase()
  return (
    models.find((name) => name.toLowerCase() === text) ??
    models.filter((name) => name.toLowerCase().includes(text)).sort((a, b) => a.length - b.length)[0]
  )
}

/** A model as ListModels describes it (recording 01). */
export function describeModel(name: string, loaded: boolean): object {
  const hash = `0x${createHash('sha256').update(name).digest('hex')}`
  return {
    name: fileName(name),
    title: name.split('/').at(-1),
    author: null,
    description: null,
    preview_image: 'imgs/model_placeholder.jpg',
    loaded,
    architecture: 'stable-diffusion-v1',
    class: 'Stable Diffusion v1',
    compat_class: 'stable-diffusion-v1',
    resolution: '512x512',
    standard_width: 512,
    standard_height: 512,
    license: null,
    date: null,
    prediction_type: null,
    usage_hint: null,
    trigger_phrase: '',
    merged_from: null,
    tags: null,
    is_supported_model_format: true,
    is_negative_embedding: false,
    lora_default_weight: '',
    lora_default_confinement: '',
    local: true,
    time_created: 1_795_226_233_919,
    time_modified: 1_795_226_233_919,
    hash,
    hash_sha256: hash,
    special_format: '',
  }
}
