import { judgePromotionStep } from '../../judge/promotion-step.ts';
import type { StepJudge } from '../ports.ts';

export const stepJudge: StepJudge = { compare: judgePromotionStep };
