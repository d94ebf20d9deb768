"""Operations on images, one kind a module; `image` is where foreign bytes come in."""
