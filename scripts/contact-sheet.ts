import {decode, encode} from 'fast-png'
import {readManifest} from '../src/asset/manifest.ts'
import {renderPicture} from '../src/server/mock/picture/render.ts'

const WIDTH = 1040
const ROW = 148
const GAP = 10

/** All pictures of a manifest as the mock draws them, in rows of one height on white: the picture of the README. */
export async function contactSheet(manifest: string): Promise<Uint8Array> {
  const {assets} = await readManifest(manifest)
  const pictures = assets.map(({prompt, parameters}) => {
    const [width, height] = [Number(parameters['width'] ?? 512), Number(parameters['height'] ?? 512)]
    // Drawn at the height of a row: nothing is scaled, so lines stay sharp.
    const order = {prompt, seed: Number(parameters['seed']), width: Math.round((width * ROW) / height), height: ROW}
    return decode(renderPicture({...order, format: 'png', plain: false}, ''))
  })
  const rows: (typeof pictures)[] = [[]]
  for (const picture of pictures) {
    const row = rows.at(-1) ?? []
    if (widthOf([...row, picture]) > WIDTH) rows.push([picture])
    else row.push(picture)
  }
  const height = rows.length * (ROW + GAP) + GAP
  const data = new Uint8Array(WIDTH * height * 3).fill(255)
  for (const [at, row] of rows.entries()) {
    let left = Math.floor((WIDTH - widthOf(row)) / 2) + GAP
    for (const picture of row) {
      for (let y = 0; y < picture.height; y++) {
        const line = picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3)
        data.set(line, ((at * (ROW + GAP) + GAP + y) * WIDTH + left) * 3)
      }
      left += picture.width + GAP
    }
  }
  return encode({width: WIDTH, height, data, channels: 3})
}

function widthOf(row: readonly {readonly width: number}[]): number {
  return row.reduce((sum, {width}) => sum + width + GAP, GAP)
}
