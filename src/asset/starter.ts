/** What `ag init` writes: a manifest that works as it is, with what else it could say in comments. */
export const STARTER = `# The pictures this repository needs. Make them with:  ag generate
# Every key is described in the JSON Schema named in the README of ag; editors complete and check this file with it.

output: assets              # where the pictures go, relative to this file

defaults:                   # for all pictures that set nothing else
  model: mock/sdxl-base     # one of the mock's; put in one of your server's
  # steps: 24
  # width: 512
  # height: 512
  # negative_prompt: text, watermark
  # prompt_suffix: watercolour, soft light

groups:
  - name: icons             # assets/icons/...
    # prompt_prefix: app icon
    # width: 256
    # height: 256
    assets:
      - id: robot           # assets/icons/robot.png; names the seed, too
        prompt: a friendly robot waving
      - id: rocket
        prompt: a small rocket taking off
        # count: 3          # rocket-1, rocket-2, rocket-3
        # seed: 42          # a number, or random; without it the id decides
        # loras: [{name: ink, weight: 0.8}]
        # params: {clipstopatlayer: -2}   # any parameter by the server's own name
        # path: "{group}/{id}-{seed}.{ext}"
`
