import {describeModel, fileName} from './models.ts'
import {PARAMETERS} from './parameter-list.ts'
import type {World} from './world.ts'

/** ListModels of one kind; LoRAs are models, too. */
export function listModels({settings, backends}: World, subtype: string): object {
  const names = subtype === 'Stable-Diffusion' ? settings.models : subtype === 'LoRA' ? settings.loras : []
  const loaded = backends.loadedModels()
  const folders = new Set(
    names.filter((name) => name.includes('/')).map((name) => name.slice(0, name.lastIndexOf('/'))),
  )
  return {folders: [...folders], files: names.map((name) => describeModel(name, loaded.has(name)))}
}

/** ListT2IParams: the parameters and, by kind, the names of all models. */
export function listParameters({settings, old}: World): object {
  const loras = settings.loras.length > 0 ? [...settings.loras] : ['(None)']
  const files = (names: readonly string[]): unknown[] =>
    old ? ['(None)', ...names.map(fileName)] : names.map((name) => [fileName(name), 'stable-diffusion-v1'])
  return {
    list: PARAMETERS.map((parameter) => (parameter.id === 'loras' ? {...parameter, values: loras} : parameter)),
    groups: [],
    models: {
      'Stable-Diffusion': files(settings.models),
      VAE: files([]),
      LoRA: files(settings.loras),
      Embedding: files([]),
      ControlNet: files([]),
      Clip: files([]),
      ClipVision: files([]),
    },
    ...(old ? {} : {model_compat_classes: {}, model_classes: {}}),
    wildcards: [],
    param_edits: null,
  }
}
