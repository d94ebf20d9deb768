"""Operations on images, one kind a module; `image` is the only home of Pillow."""
