import { describe, expect, it } from 'vitest';
import { permitted } from './candidates.ts';
import { barrierOf, blame, isBeyond, withinReach } from './safety.ts';
import { bindSpace } from './space/bound-space.ts';
import { booleanKnob, integerKnob } from './space/knob.ts';
import { createKnobSpace } from './space/knob-space.ts';
import { PROBLEM, SPACE } from './tuner-fixture.ts';

const safe = PROBLEM.start;
const violator = { workers: 160, share: 0.5, balancer: 'round' };
const barrier = { safe, violator };

describe('a barrier', () => {
  it('holds at the violator and beyond it in every knob that led there', () => {
    expect(isBeyond(SPACE, barrier, violator)).toBe(true);
    expect(isBeyond(SPACE, barrier, { workers: 200, share: 0.6, balancer: 'least' })).toBe(true);
    expect(isBeyond(SPACE, barrier, { workers: 200, share: 0.4, balancer: 'round' })).toBe(false);
    expect(isBeyond(SPACE, barrier, safe)).toBe(false);
    const choice = { safe, violator: { ...safe, balancer: 'least' } };
    expect(isBeyond(SPACE, choice, { workers: 900, share: 0, balancer: 'least' })).toBe(true);
    expect(isBeyond(SPACE, choice, { ...violator })).toBe(false);
  });

  it('holds at what differs from the violator in nothing that has an effect', () => {
    const space = bindSpace(
      createKnobSpace({
        knobs: {
          keepalive: booleanKnob({ description: '' }),
          idle: integerKnob({
            description: '',
            unit: 's',
            scale: 'linear',
            minimum: 1,
            maximum: 9,
            deactivatedBy: { knob: 'keepalive', value: false },
          }),
        },
        constraints: [],
      }),
      undefined,
    );
    const known = { safe: { keepalive: true, idle: 5 }, violator: { keepalive: false, idle: 3 } };
    expect(isBeyond(space, known, { keepalive: false, idle: 5 })).toBe(true);
    expect(isBeyond(space, known, { keepalive: true, idle: 3 })).toBe(false);
  });

  it('lets nothing beyond it be asked for, however safe the critics think it', () => {
    const reach = { radius: 1, knobs: 3 };
    const around = { space: SPACE, safe: [safe], barriers: [barrier], reach };
    expect(permitted(around, violator)).toBeUndefined();
    expect(permitted(around, { ...violator, workers: 400 })).toBeUndefined();
    expect(permitted(around, { ...violator, workers: 100 })).toBeDefined();
  });

  it('is drawn from the nearest safe configuration', () => {
    const near = { workers: 150, share: 0.5, balancer: 'round' };
    expect(barrierOf(SPACE, [safe, near], violator)?.safe).toBe(near);
  });

  it('blames each knob alike until one is cleared', () => {
    const alone = { ...safe, share: 0.5 };
    expect(blame(SPACE, barrier, [safe], violator)).toBeCloseTo(1);
    expect(blame(SPACE, barrier, [safe], alone)).toBeCloseTo(0.5);
    expect(blame(SPACE, barrier, [safe], { ...safe, share: 0.1 })).toBe(0);
    // Half of the way along `workers` was safe: the rest of that way is the more suspect.
    const cleared = { ...safe, workers: 80 };
    expect(blame(SPACE, barrier, [safe, cleared], cleared)).toBe(0);
    expect(blame(SPACE, barrier, [safe, { ...safe, workers: 160 }], alone)).toBeGreaterThan(0.8);
  });
});

describe('reach', () => {
  it('counts knobs and the way along each, from any safe configuration', () => {
    const within = (values: typeof safe, reach = { radius: 0.2, knobs: 2 }) =>
      withinReach(SPACE, [safe], values, reach);
    expect(within({ ...safe, share: 0.5 })).toBe(true);
    expect(within({ ...safe, share: 0.51 })).toBe(false);
    expect(within({ ...safe, share: 0.4, workers: 50 })).toBe(true);
    expect(within({ share: 0.4, workers: 50, balancer: 'least' })).toBe(false);
    expect(within({ ...safe, workers: 41 }, { radius: 0.0001, knobs: 1 })).toBe(true);
  });
});
