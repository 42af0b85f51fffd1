import type * as z from 'zod/mini'
import {IMAGE_FORMATS} from '../../asset/asset.ts'
import type {FoundPicture, WantedPicture} from '../image-server.ts'
import {pictureExists} from './download.ts'
import {ifAllowed, isRefused} from './refusal.ts'
import {readImage, readMetadata} from './run-outcome.ts'
import type {SwarmSession} from './swarm-session.ts'
import type {Transport} from './transport.ts'
import {imageList, type NewSession} from './wire.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/

interface Search {
  /** The run's folder in the user's output folder. */
  readonly folder: string
  readonly run: string
  readonly wanted: readonly WantedPicture[]
  readonly signal: AbortSignal
}

/**
 * Looks for pictures of a run: in the listing of its folder, and what is not in that by its path, unless there is nothing at
 * all. The listing may lack what
 * was finished a moment ago (it reads the disk, `View` does not, reference 4.4), what lies beyond the server's limit of 1,000,
 * and everything where this user may not list.
 */
export async function findPictures(
  transport: Transport,
  session: SwarmSession,
  {folder, run, wanted, signal}: Search,
): Promise<ReadonlyMap<string, FoundPicture>> {
  // Names that come from a restored history may be anything; ag gives pictures no others.
  const named = wanted.filter(({item}) => NAME.test(item))
  if (!NAME.test(run) || named.length === 0) return new Map()
  const question = {path: folder, depth: 1, sortBy: 'Name', sortReverse: false}
  const listing = await ifAllowed(session.call('ListImages', imageList, question, signal))
  const prefix = viewPath(await session.get(signal), folder)
  const listed = isRefused(listing) ? [] : listing.files
  const tagged = Map.groupBy(listed, ({metadata}) => {
    const {agrun, agitem} = readMetadata(metadata)?.sui_extra_data ?? {}
    return agrun === run ? agitem : undefined
  })
  tagged.delete(undefined)
  // A second picture of "hero" is called hero-1: it must not be taken for that of an item "hero-1".
  const known = new Set([...tagged.values()].flat().map(({src}) => src))
  const found = new Map<string, FoundPicture>()
  const missing: (WantedPicture & {others: number})[] = []
  for (const picture of named) {
    const others = tagged.get(picture.item) ?? []
    const chosen = choose(others, picture)
    if (chosen) found.set(picture.item, readImage(`${prefix}/${chosen.src}`, chosen.metadata))
    else missing.push({...picture, others: others.length})
  }
  // Of a folder with files the listing may tell only some: its limit is the server's, or the user's.
  const isEmpty = !isRefused(listing) && listed.length === 0
  const probes = missing.map(async ({item, longAgo = false, others}) => {
    if ((isEmpty || others > 0) && longAgo) return
    // The server appends `-1`, `-2` to names that others of the item have taken.
    const stem = others === 0 ? item : `${item}-${others}`
    for (const name of IMAGE_FORMATS.map((ending) => `${stem}.${ending}`).filter((name) => !known.has(name))) {
      const ref = `${prefix}/${name}`
      if (!(await pictureExists(transport, ref, signal))) continue
      found.set(item, {ref, byName: true})
      return
    }
  })
  await Promise.all(probes)
  return found
}

/** A path in the user's output folder, as `View` wants it. */
function viewPath({user_id: user, output_append_user: append}: NewSession, path: string): string {
  return `${append ? `View/${user}` : 'Output'}/${path}`
}

type Listed = z.output<typeof imageList>['files'][number]

/**
 * Of the pictures of an item, the one that was made from the key and with the seed that are sought. Of several the first: the
 * server appends `-1`, `-2` to names that are taken, as they are for further outputs of the same request (reference 2.4).
 */
function choose(listed: readonly Listed[], {item, key, seed}: WantedPicture): Listed | undefined {
  const finished = listed
    .map((picture) => ({picture, ...readMetadata(picture.metadata)}))
    .filter(({sui_extra_data: extra}) => extra?.intermediate === undefined)
    .sort((a, b) => numberOf(item, a.picture) - numberOf(item, b.picture))
  const keyed = finished.filter(({sui_extra_data: extra}) => key !== undefined && extra?.agkey === key)
  const open = finished.filter(({sui_extra_data: extra}) => key === undefined || extra?.agkey === undefined)
  const hasSeed = ({sui_image_params: made}: (typeof finished)[number]): boolean =>
    seed === undefined || made?.seed === seed
  return (keyed.find(hasSeed) ?? open.find(hasSeed))?.picture
}

/** What the server appended to a picture's name; 0 for nothing. */
function numberOf(item: string, {src}: Listed): number {
  return Number(/^-(\d+)\./.exec(src.slice(item.length))?.[1] ?? 0)
}
