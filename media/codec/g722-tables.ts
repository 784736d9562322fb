/** The tables of ITU-T G.722 (11/88, 09/2012): tables 11 to 21 of its chapter on the ADPCM algorithms. */

/** Decision levels of the 60-level quantiser of the lower band, for the first 30 intervals of one sign. */
export const LOW_DECISION_LEVELS = Int16Array.of(
  ...[0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714],
  ...[786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919],
);

/** Code words of those intervals (number 0 does not exist) for a negative and for a positive difference. */
export const LOW_CODES_NEGATIVE = Uint8Array.of(
  ...[0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20],
  ...[19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4],
);
export const LOW_CODES_POSITIVE = Uint8Array.of(
  ...[0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48],
  ...[47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32],
);

/** What a code word of the lower band stands for: by its upper four bits (what both sides adapt to), and by all six. */
export const LOW_OUTPUT_4 = Int16Array.of(
  ...[0, -20456, -12896, -8968, -6288, -4240, -2584, -1200],
  ...[20456, 12896, 8968, 6288, 4240, 2584, 1200, 0],
);
export const LOW_OUTPUT_6 = Int16Array.of(
  ...[-136, -136, -136, -136, -24808, -21904, -19008, -16704],
  ...[-14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856],
  ...[-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576],
  ...[-3168, -2776, -2400, -2032, -1688, -1360, -1040, -728],
  ...[24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192],
  ...[10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456],
  ...[4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032],
  ...[1688, 1360, 1040, 728, 432, 136, -432, -136],
);

/** How the logarithmic scale factor of the lower band moves, by the upper four bits of the code word. */
export const LOW_SCALE_STEPS = Int16Array.of(
  ...[-60, 3042, 1198, 538, 334, 172, 58, -30],
  ...[3042, 1198, 538, 334, 172, 58, -30, -60],
);

/** The same for the upper band, whose code words have two bits. */
export const HIGH_OUTPUT = Int16Array.of(-7408, -1616, 7408, 1616);
export const HIGH_SCALE_STEPS = Int16Array.of(798, -214, 798, -214);
export const HIGH_DECISION_LEVEL = 564;

/** Mantissas of the antilogarithm of the scale factors: 2048 · 2^(i/32). */
export const SCALE_MANTISSAS = Int16Array.of(
  ...[2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774],
  ...[2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838],
  ...[3922, 4008],
);

/** Every second tap of the 24-tap quadrature mirror filter; the others are the same in reverse. */
export const QMF_TAPS = Int16Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);
