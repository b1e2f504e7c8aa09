import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AppDependencies } from '../dependencies.ts';
import { requireService } from '../identity/authenticate.ts';
import { ProblemError } from '../problems/problem.ts';
import { idSchema } from '../schemas.ts';
import { promotionSchema, promotionView } from './schemas.ts';

/** `GET /v1/promotions/:id`. */
export function promotionRoutes({ runs }: AppDependencies): FastifyPluginCallbackZod {
  return (app, _options, done) => {
    app.get(
      '/v1/promotions/:id',
      {
        config: { right: 'read' },
        schema: {
          tags: ['promotions'],
          summary: 'One promotion',
          params: z.object({ id: idSchema }),
          response: { 200: promotionSchema },
        },
      },
      async (request) => {
        const promotion = await runs.promotion(request.params.id);
        if (promotion === undefined) {
          throw new ProblemError(
            404,
            'unknown-promotion',
            `there is no promotion ${request.params.id}`,
          );
        }
        requireService(request, 'read', promotion.service);
        return promotionView(promotion);
      },
    );
    done();
  };
}
