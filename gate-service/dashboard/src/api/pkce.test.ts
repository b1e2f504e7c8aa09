import { describe, expect, it } from 'vitest';
import { challengeOf, claimsOf, randomText } from './pkce.ts';

describe('proof key for code exchange', () => {
  it('makes the challenge of RFC 7636, appendix B', async () => {
    expect(await challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    );
  });

  it('draws verifiers that differ and are long enough', () => {
    const [one, other] = [randomText(), randomText()];
    expect(one).toMatch(/^[\w-]{43}$/);
    expect(one).not.toBe(other);
  });

  it('reads the claims of a token, letters beyond ASCII included', () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ nonce: 'n', name: 'Jörg ✓ÿ' }));
    const payload = btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_');
    expect(claimsOf(`head.${payload}.signature`)).toEqual({ nonce: 'n', name: 'Jörg ✓ÿ' });
  });
});
