/** Of uc.micro: punctuation and symbols, as the engine knows them. */
export const P = /\p{P}/u;
export const S = /\p{S}/u;
