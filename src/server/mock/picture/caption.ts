import {stringToPaths} from 'hershey'
import type {Canvas, Colour} from './canvas.ts'

const WHITE: Colour = [255, 255, 255]
const INK: Colour = [18, 16, 28]
const CAPITAL = 21

/** The prompt's first words in a band at the bottom, and the word MOCK in the corner: nobody takes it for a real picture. */
export function drawCaption(canvas: Canvas, prompt: string): void {
  const {width, height} = canvas
  const letter = Math.max(6, Math.min(width, height) * 0.052)
  const band = letter * 2.1
  canvas.rectangle(0, height - band, width, height, INK, 0.62)
  drawText(canvas, firstWords(prompt, Math.floor((width * 1.05) / letter)), letter, width / 2, height - band / 2)
  const tag = letter * 0.8
  canvas.rectangle(0, 0, tag * 5.2, tag * 2, INK, 0.55)
  drawText(canvas, 'MOCK', tag, tag * 2.6, tag)
}

function drawText(canvas: Canvas, text: string, letter: number, centreX: number, centreY: number): void {
  if (text === '') return
  const {paths, bounds} = stringToPaths(text)
  const scale = letter / CAPITAL
  const [middleX, middleY] = [(bounds.minX + bounds.maxX) / 2, 1.5]
  const thickness = Math.max(1, letter * 0.115)
  for (const path of paths) {
    for (const [at, [toX, toY]] of path.entries()) {
      const [fromX, fromY] = path[at - 1] ?? [toX, toY]
      canvas.stroke(
        centreX + (fromX - middleX) * scale,
        centreY - (fromY - middleY) * scale,
        centreX + (toX - middleX) * scale,
        centreY - (toY - middleY) * scale,
        thickness,
        WHITE,
        0.95,
      )
    }
  }
}

/** As many words as fit; letters that the font lacks are left out. */
function firstWords(prompt: string, length: number): string {
  const text = prompt
    .normalize('NFD')
    .replace(/[^A-Za-z0-9 .,:;!?'()+/-]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  if (text.length <= length) return text
  const cut = text.slice(0, Math.max(1, length - 2))
  return `${cut.includes(' ') ? cut.slice(0, cut.lastIndexOf(' ')) : cut}..`
}
