// Draws frames of an atlas: the JSON that `data: {json-hash: …}` writes is all there is to read.

export async function loadAtlas(address) {
  const { frames, animations, meta } = await (await fetch(address)).json();
  const picture = new Image();
  picture.src = new URL(meta.image, new URL(address, document.baseURI)).href;
  await picture.decode();

  // A trimmed frame lies inside its whole picture at `spriteSourceSize`.
  function draw(context, name, x, y, mirrored = false) {
    const { frame, spriteSourceSize: inside, sourceSize: whole } = frames[name];
    context.save();
    context.translate(Math.round(x) + (mirrored ? whole.w : 0), Math.round(y));
    if (mirrored) context.scale(-1, 1);
    context.drawImage(picture, frame.x, frame.y, frame.w, frame.h,
      inside.x, inside.y, frame.w, frame.h);
    context.restore();
  }

  // A canvas of its own for one frame, for use in the page.
  function show(name, canvas = document.createElement("canvas")) {
    ({ w: canvas.width, h: canvas.height } = frames[name].sourceSize);
    draw(canvas.getContext("2d"), name, 0, 0);
    return canvas;
  }

  return { frames, animations, draw, show };
}
