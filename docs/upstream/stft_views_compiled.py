"""``torch.compile`` loses a transposition of ``torch.stft`` where a gradient is wanted.

    python docs/upstream/stft_views_compiled.py    (needs PyTorch alone)

Keras' ``ops.stft`` on PyTorch swaps two axes of ``torch.stft`` and returns the real and the
imaginary part, all of them views. Compiled by AOTAutograd, what comes back is without the swap: an
``AssertionError`` for 5 frames of 9 frequencies, and wrong numbers in silence for 9 of 9. So
``keras.layers.MelSpectrogram`` trains another model with ``jit_compile=True``, or cannot be trained
at all.

Expected: a difference of 0 each time. Seen with PyTorch 2.13.0 and ``backend="aot_eager"`` and
inductor alike; without a gradient, and with ``backend="eager"``, it is 0.
"""

import torch


def parts(x):
    """As Keras' ``ops.stft`` does."""
    window = torch.hann_window(16)
    spectrum = torch.stft(x, n_fft=16, hop_length=8, window=window, return_complex=True)
    spectrum = torch.swapaxes(spectrum, -2, -1)
    return spectrum.real, spectrum.imag


torch.manual_seed(0)
for samples in (32, 64):
    for wanted in (False, True):
        x = torch.randn(2, samples, requires_grad=wanted)
        expected = parts(x)[0].detach()
        case = f"{tuple(expected.shape)}, {'with' if wanted else 'without'} a gradient"
        try:
            found = torch.compile(parts, backend="aot_eager")(x)[0].detach()
            print(f"{case}: {float((found - expected).abs().max()):.3g} apart")
        except AssertionError as error:
            print(f"{case}: {str(error).splitlines()[0]}")
